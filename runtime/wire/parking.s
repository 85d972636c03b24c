// The compiler takes functions without a body, as those of parking.go are, in packages with assembly only.
