"""LangGraph: what a graph is (`capture`), and threads that survive its next version (`MigratingSaver`)."""
