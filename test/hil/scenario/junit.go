package scenario

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

// The elements of a JUnit report, as CI systems read it: a suite for each scenario, a case for each line.
type (
	junitReport struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Error   *junitMessage `xml:"error,omitempty"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
	}
)

// WriteJUnit writes results for machines. testbed says what the scenarios were played on.
func WriteJUnit(w io.Writer, testbed string, results []Result) error {
	var report junitReport
	for _, r := range results {
		suite := junitSuite{Name: testbed + "." + r.Name, Time: seconds(r.Took)}
		for _, s := range r.Steps {
			c := junitCase{Name: s.Text, Class: suite.Name, Time: seconds(s.Took), Output: s.Detail}
			if s.Err != nil {
				c.Failure = &junitMessage{s.Err.Error()}
				suite.Failures++
			}
			suite.Cases = append(suite.Cases, c)
		}
		if r.Err != nil {
			suite.Cases = append(suite.Cases, junitCase{Name: "the testbed", Class: suite.Name, Time: seconds(0), Error: &junitMessage{r.Err.Error()}})
			suite.Errors++
		}
		if r.Lack != nil {
			suite.Cases = append(suite.Cases, junitCase{Name: "the testbed", Class: suite.Name, Time: seconds(0), Skipped: &junitMessage{r.Lack.Error()}})
			suite.Skipped++
		}
		suite.Tests = len(suite.Cases)
		report.Suites = append(report.Suites, suite)
	}
	text, err := xml.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("JUnit report: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
