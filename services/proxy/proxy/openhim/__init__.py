"""OpenHIM's protocol and documents, translated into ours; what they mean is decided elsewhere."""
