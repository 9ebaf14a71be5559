// How the tests talk to the servers that they run: one JSON object per line on standard input, `{"do": NAME, …}`, and one
// line on standard output in answer. The end of standard input ends the server, so that it never outlives the tests.

import { createInterface } from 'node:readline';

const write = process.stdout.write.bind(process.stdout);
const say = (object) => write(`${JSON.stringify(object)}\n`);

/** What was asked over HTTP: method, path, status and when it came, in order; the status is 0 as long as there is no whole answer. */
export const requests = [];

/** Records a request to a server of `node:http`, and gives its path. */
export function record(request, response) {
  const { pathname } = new URL(request.url, 'http://127.0.0.1');
  const entry = { method: request.method, path: pathname, status: 0, at: performance.now() };
  requests.push(entry);
  response.on('finish', () => { entry.status = response.statusCode; });
  return pathname;
}

/** Says `ready`, then does what it is told to until there is no more. */
export async function obey(ready, commands) {
  const known = {
    /** What has been asked so far; with `forget`, the list starts anew. */
    requests: async ({ forget }) => ({ requests: forget ? requests.splice(0) : [...requests] }),
    ...commands,
  };
  say(ready);
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      const { do: name, ...parameters } = JSON.parse(line);
      say(await known[name](parameters));
    } catch (error) {
      say({ error: `${error.name}: ${error.message} ${error.error_description ?? ''}` });
    }
  }
  process.exit(0);
}
