package vtep

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb"
)

// replaces tells whether a chassis is that of the database which the switch had when it was registered.
func (s *survey) replaces(r Registering, name string) bool {
	row := s.sb.DB().ChassisByName.One(s.plan.ChassisName(name))
	return row != nil && r.alone(row)
}

// alone tells whether a chassis is of the database that the switch had, and of no other: of a shared one the rest stays.
func (r Registering) alone(row *sb.Chassis) bool {
	return r.replaced != "" && row.OtherConfig[isVTEP] == "true" && row.OtherConfig[identityKey] == r.replaced &&
		!slices.ContainsFunc(vtepdb.ReadMembers(row.OtherConfig), func(m vtepdb.Member) bool { return m.Identity != r.replaced })
}

// replace removes the chassis of the database that the switch had, and waits until that is known.
func (s *survey) replace(ctx context.Context, r Registering) error {
	var tx idl.Tx
	for row := range s.sb.DB().Chassis.All() {
		if r.alone(row) {
			tx.Delete("Chassis", row.UUID)
		}
	}
	if tx.Len() == 0 {
		return nil
	}
	tx.Comment("sluice vtep register " + r.Name)
	if err := s.commit(ctx, s.sb.Replica, &tx); err != nil {
		return fmt.Errorf("the chassis that switch %s had: %w", r.Name, err)
	}
	for {
		s.take()
		s.plan.Settle()
		left := false
		for row := range s.sb.DB().Chassis.All() {
			left = left || r.alone(row)
		}
		if !left {
			return nil
		}
		select {
		case <-s.sb.Ready():
		case <-s.vtep.Ready():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
