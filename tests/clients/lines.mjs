// The line protocol of every helper: one JSON value a line on stdout.
// A server's first line is {"listening": PORT}; a client's last line is its result.

export function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

// Prints the failure for the test's log and ends with a status that no test mistakes for success.
export function fail(error) {
  process.stderr.write(`${error?.stack ?? error}\n`);
  process.exit(1);
}

process.on('unhandledRejection', fail);
