"""Who may do what with which row, executed as the application does it (R25..R30)."""
