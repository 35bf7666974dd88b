package vtep

import (
	"context"
	"fmt"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// replaces tells whether a chassis is that of the database which the switch had when it was registered.
func (s *survey) replaces(r Registering, name string) bool {
	row := s.sb.DB().ChassisByName.One(s.plan.ChassisName(name))
	return r.replaced != "" && row != nil && row.OtherConfig[isVTEP] == "true" && row.OtherConfig[identityKey] == r.replaced
}

// replace removes the chassis of the database that the switch had, and waits until that is known.
func (s *survey) replace(ctx context.Context, r Registering) error {
	var tx idl.Tx
	for row := range s.sb.DB().Chassis.All() {
		if r.replaced != "" && row.OtherConfig[isVTEP] == "true" && row.OtherConfig[identityKey] == r.replaced {
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
			left = left || row.OtherConfig[identityKey] == r.replaced
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
