import { buildApp } from './app/build.ts';
import { ConfigError, readConfig, readEnvironment } from './app/config.ts';
import { announce } from './app/announce.ts';
import { installStop } from './platform/lifecycle.ts';

try {
  const app = await buildApp(readConfig(readEnvironment()));
  installStop(app, { drainMs: app.config.production ? 3_000 : 0, deadlineMs: 25_000 });
  await app.start();
  announce(app, await app.ready);
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
}
