// Package alarm waits for a time without one of Go's timers.
//
// When a timer of Go is due, the thread of the scheduler that watches the others wakes up, and in a process that is half busy it
// stays awake for some milliseconds, looking each 20 microseconds whether there is something to do, which takes a third of a processor's
// time from the requests. So what a busy gateway waits for again and again is an alarm, which is waited for as a connection is: by the poller.
package alarm
