/** Counts what ran, for the one line `npm test` ends with, and names every test that was left out and why. */
import type { Reporter, TestModule, TestSuite } from 'vitest/node';

export interface Tally {
  passed: number;
  /** Failed tests, and every file, hook or stray promise that broke outside a test. */
  failed: number;
  skipped: number;
  /** `file > test: reason`, for each skipped test that gave one. */
  reasons: string[];
}

/** Vitest makes one of these itself; the tally goes to the process that started the run. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    process.send?.(tallyOf(modules, unhandled.length));
  }
}

function tallyOf(modules: readonly TestModule[], strayErrors: number): Tally {
  const tally: Tally = { passed: 0, failed: strayErrors, skipped: 0, reasons: [] };
  for (const module of modules) {
    tally.failed += errorsOutsideTests(module);
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === 'passed') tally.passed++;
      else if (result.state === 'failed') tally.failed++;
      else {
        tally.skipped++;
        if (result.state === 'skipped' && result.note) tally.reasons.push(`${module.relativeModuleId} > ${test.fullName}: ${result.note}`);
      }
    }
  }
  return tally;
}

function errorsOutsideTests(module: TestModule): number {
  const suites: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()];
  return suites.filter((suite) => suite.errors().length > 0).length;
}
