import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const LAST = 'test/statements.test.ts';

export default defineConfig({
  test: {
    reporters: ['default', './test/support/tally-reporter.ts'],
    globalSetup: './test/support/global-setup.ts',
    pool: 'forks',
    // Suites wait for databases most of the time; a machine with one core still gains from a second worker.
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    retry: 0,
    // Only what a failing test printed is worth reading.
    silent: 'passed-only',
    slowTestThreshold: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'suites',
          include: ['server/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: ['**/node_modules/**', LAST],
          sequence: { groupOrder: 0 },
        },
      },
      // It judges the statements all other suites ran, so it runs when they are done.
      { extends: true, test: { name: 'statements', include: [LAST], sequence: { groupOrder: 1 } } },
    ],
  },
});
