// A real npm registry (npm `verdaccio`) on a free port of 127.0.0.1, for the integration tests; commands as in commands.js.
//
// Anybody may sign up, and nobody's packages are fetched from elsewhere. What it stores goes with it.
//
// Usage: node verdaccio.js DIRECTORY, where DIRECTORY/node_modules holds `verdaccio`.

import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { obey, record } from './commands.js';

const directory = mkdtempSync(join(tmpdir(), 'rescind-verdaccio-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

const modules = createRequire(`${process.argv[2]}/package.json`);
const { runServer } = modules('verdaccio');
const server = await runServer({
  configPath: join(directory, 'config.yaml'),
  self_path: join(directory, 'config.yaml'),
  storage: join(directory, 'storage'),
  auth: { htpasswd: { file: join(directory, 'htpasswd'), algorithm: 'sha1' } },
  uplinks: {},
  packages: { '**': { access: '$all', publish: '$authenticated' } },
  web: { enable: false },
  // Standard output belongs to the answers.
  logs: { type: 'file', path: join(directory, 'log'), level: 'error', format: 'json' },
});
server.prependListener('request', record);
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
await obey({ url: `http://127.0.0.1:${server.address().port}` }, {});
