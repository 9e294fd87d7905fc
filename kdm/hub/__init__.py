"""The Hugging Face Hub: what travels, and how it is checked before it is used (docs/hub.md)."""
