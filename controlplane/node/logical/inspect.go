package logical

// Templates are the template variables of this chassis (Chassis_Template_Var).
func (l *Logical) Templates() map[string]string {
	for row := range l.World.SB.ChassisTemplateVar.All() {
		if row.Chassis == l.World.Config.Chassis {
			return row.Variables
		}
	}
	return nil
}

// Considered counts the logical flows compiled since the start.
func (l *Logical) Considered() uint64 { return l.considered }
