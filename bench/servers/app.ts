/** Our server as it is, on the database and cache of the environment, its log lines going to /dev/null like the twin's. */
import pino from 'pino';
import { buildApp } from '../../server/app/build.ts';
import { readConfig } from '../../server/app/config.ts';

const app = await buildApp(readConfig({ ...process.env, PORT: '0', RATE_LIMIT_PER_IP: '100000000', RATE_LIMIT_PER_USER: '100000000' }), {
  demo: false,
  logDestination: pino.destination({ dest: '/dev/null', sync: false }),
});
await app.start();
await app.ready;
console.log(JSON.stringify({ url: app.url }));
process.once('SIGTERM', () => void app.stop().then(() => process.exit(0)));
