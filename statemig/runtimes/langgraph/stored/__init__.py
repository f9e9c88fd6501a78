"""What LangGraph stores, read raw, and what is stored beside it."""
