"""Whether a revision is right for every state: a verdict that is proven, refuted by a document, or unknown with reasons."""
