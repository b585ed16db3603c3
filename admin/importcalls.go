package admin

// importRoutes bring keys along.
func (s *Server) importRoutes() {}
