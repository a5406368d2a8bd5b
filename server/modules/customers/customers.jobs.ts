/** What this module does later, on any instance. */
import type { JobHandler } from '#platform/jobs/jobs';
import { ERASE_JOB, type EraseService } from './erase.service.ts';

export function customerJobs(erasure: EraseService): JobHandler[] {
  return [
    {
      kind: ERASE_JOB,
      async run(ctx, payload) {
        await erasure.erase(ctx, String(payload['person_id']));
        return undefined;
      },
    },
  ];
}
