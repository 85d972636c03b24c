package kinds

// All lists every kind that the compiler knows, in the order in which the
// documentation shows them.
var All = []Kind{
	entrypoint,
	httpServer,
	httpHandler,
	reverseProxyHandler,
	httpClient,
	staticFileHandler,
	templateHandler,
	errorHandler,
	sLogger,
	httpLogger,
	echoHandler,
	healthCheckHandler,
	headerPolicyMiddleware,
	corsMiddleware,
	trackingMiddleware,
	timeoutMiddleware,
	bodyLimitMiddleware,
	compressionMiddleware,
	soapRESTMiddleware,
	keyAuthnMiddleware,
	throttleMiddleware,
	sessionMiddleware,
	skipper,
	redisClient,
	goPlugin,
}
