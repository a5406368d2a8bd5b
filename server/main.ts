import { enableCompileCache } from 'node:module';

// Before anything else is loaded: a start then costs about a third less.
enableCompileCache();
const { buildApp } = await import('./app/build.ts');
const { ConfigError, readConfig, readEnvironment } = await import('./app/config.ts');
const { announce, explain } = await import('./app/announce.ts');
const { installStop } = await import('./platform/lifecycle.ts');

try {
  const app = await buildApp(readConfig(readEnvironment()));
  installStop(app, { drainMs: app.config.production ? 3_000 : 0, deadlineMs: 25_000 });
  await app.start();
  announce(app, await app.ready);
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : explain(error));
  process.exit(1);
}
