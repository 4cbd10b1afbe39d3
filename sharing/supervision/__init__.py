"""Supervision (督办): late steps, written notices and their answers, and what departments need for their decisions."""
