package remote

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
	"sync"
	"time"

	"github.com/sluice-gw/sluice/test/probe"
)

// service is what the calls of net/rpc are called after.
const service = "Host"

// Serve has a host do what comes from in, and answers to out, until in ends. What was started is ended then.
func Serve(in io.Reader, out io.Writer, h probe.Host) error {
	agent := &agent{host: h, open: map[Handle]any{}}
	server := rpc.NewServer()
	if err := server.RegisterName(service, agent); err != nil {
		return err
	}
	server.ServeCodec(jsonrpc.NewServerCodec(struct {
		io.Reader
		io.Writer
		io.Closer
	}{in, out, io.NopCloser(nil)}))
	return agent.end()
}

// agent has the methods that are called from elsewhere.
type agent struct {
	host probe.Host

	mu   sync.Mutex
	last Handle         // guarded by mu
	open map[Handle]any // guarded by mu; probe.RunningStream, probe.RunningWatch, io.Closer
}

// add keeps what was started.
func (a *agent) add(x any, err error) (Handle, error) {
	if err != nil {
		return 0, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	a.open[a.last] = x
	return a.last, nil
}

// find returns what runs by its handle, and forgets it if it is to end.
func find[T any](a *agent, h Handle, forget bool) (x T, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	x, ok := a.open[h].(T)
	if !ok {
		return x, fmt.Errorf("nothing of that kind runs as number %d", h)
	}
	if forget {
		delete(a.open, h)
	}
	return x, nil
}

// end ends all that runs, in the reverse order.
func (a *agent) end() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for ; a.last > 0; a.last-- {
		var err error
		switch x := a.open[a.last].(type) {
		case probe.RunningStream:
			_, err = x.Stop()
		case probe.RunningWatch:
			_, err = x.Close()
		case io.Closer:
			err = x.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Hello tells the version of the protocol.
func (a *agent) Hello(_ struct{}, r *Reply[int]) error { return r.fill(protocol, nil) }

func (a *agent) Configure(c probe.InterfaceConfig, r *Reply[Handle]) error {
	x, err := a.host.Configure(c)
	return r.fill(a.add(x, err))
}

func (a *agent) Serve(args ServeArgs, r *Reply[Handle]) error {
	x, err := a.host.Serve(args.UDP, args.TCP)
	return r.fill(a.add(x, err))
}

// Close ends what Configure and Serve have started.
func (a *agent) Close(h Handle, r *Done) error {
	x, err := find[io.Closer](a, h, true)
	if err == nil {
		err = x.Close()
	}
	return r.fill(struct{}{}, err)
}

func (a *agent) Ping(args PingArgs, r *Reply[probe.PingReport]) error {
	return r.fill(a.host.Ping(args.Dst, args.Options))
}

func (a *agent) AskUDP(args Target, r *Reply[probe.UDPReport]) error {
	return r.fill(a.host.AskUDP(args.Dst, args.Timeout))
}

func (a *agent) ProvokeICMPError(args ICMPErrorArgs, r *Reply[probe.ICMPError]) error {
	return r.fill(a.host.ProvokeICMPError(args.Dst, args.TTL, args.Size, args.Timeout))
}

func (a *agent) DialTCP(args Target, r *Reply[time.Duration]) error {
	return r.fill(a.host.DialTCP(args.Dst, args.Timeout))
}

func (a *agent) TransferTCP(args TransferArgs, r *Reply[probe.TCPReport]) error {
	return r.fill(a.host.TransferTCP(args.Dst, args.Size, args.Timeout))
}

func (a *agent) StartStream(args StreamArgs, r *Reply[OpenStream]) error {
	x, err := a.host.StartStream(args.Dst, args.Interval)
	if err != nil {
		return r.fill(OpenStream{}, err)
	}
	h, err := a.add(x, nil)
	return r.fill(OpenStream{h, x.Mark()}, err)
}

func (a *agent) Progress(h Handle, r *Reply[probe.Progress]) error {
	x, err := find[probe.RunningStream](a, h, false)
	if err != nil {
		return r.fill(probe.Progress{}, err)
	}
	return r.fill(x.Progress())
}

func (a *agent) StopStream(h Handle, r *Reply[probe.StreamReport]) error {
	x, err := find[probe.RunningStream](a, h, true)
	if err != nil {
		return r.fill(probe.StreamReport{}, err)
	}
	return r.fill(x.Stop())
}

func (a *agent) MAC(_ struct{}, r *Reply[net.HardwareAddr]) error { return r.fill(a.host.MAC()) }

func (a *agent) SendFrame(frame []byte, r *Done) error {
	return r.fill(struct{}{}, a.host.SendFrame(frame))
}

func (a *agent) Watch(marks [][]byte, r *Reply[Handle]) error {
	x, err := a.host.Watch(marks...)
	return r.fill(a.add(x, err))
}

func (a *agent) Await(args AwaitArgs, r *Reply[[][]byte]) error {
	x, err := find[probe.RunningWatch](a, args.Watch, false)
	if err != nil {
		return r.fill(nil, err)
	}
	return r.fill(x.Await(args.N, args.Timeout))
}

func (a *agent) CloseWatch(h Handle, r *Reply[[][]byte]) error {
	x, err := find[probe.RunningWatch](a, h, true)
	if err != nil {
		return r.fill(nil, err)
	}
	return r.fill(x.Close())
}
