// An authorization server that says yes to everybody (npm `oauth2-mock-server`) on a free port of 127.0.0.1, for the
// integration tests; commands as in commands.js.
//
// Usage: node oauth2-mock-server.js DIRECTORY, where DIRECTORY/node_modules holds `oauth2-mock-server`.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';

import { obey, record } from './commands.js';

const modules = createRequire(`${process.argv[2]}/package.json`);
const { issuer, service } = new (modules('oauth2-mock-server').OAuth2Server)();
await issuer.keys.generate('RS256');
const server = createServer((request, response) => {
  record(request, response);
  service.requestHandler(request, response);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
issuer.url = `http://127.0.0.1:${server.address().port}`;
await obey({ issuer: issuer.url }, {});
