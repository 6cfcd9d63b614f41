"""What makes an input, a stream or a model sick on purpose."""
