import type { Estimate } from '../core/estimate.ts';
import type { MicroUsd } from '../core/money.ts';
import type { Pilot } from '../core/pilot.ts';
import { readEstimate, readPilot } from './json-money.ts';
import type { Db } from './open.ts';

export type JobSpending = ReturnType<typeof prepareJobSpending>;

interface SpendingRow {
  readonly maxMicroUsd: MicroUsd | null;
  readonly pilotJson: string | null;
  readonly estimateJson: string | null;
}

/** The columns of jobs that nothing but money needs: kept out of every list of jobs. */
export function prepareJobSpending(db: Db) {
  const select = db.prepare<{ jobId: number }, SpendingRow>(`
    SELECT max_microusd AS maxMicroUsd, pilot_json AS pilotJson, estimate_json AS estimateJson
    FROM jobs
    WHERE id = :jobId
  `);
  const updateLimit = db.prepare<{ jobId: number; max: MicroUsd }>(`
    UPDATE jobs
    SET max_microusd = :max
    WHERE id = :jobId
  `);
  const updatePilot = db.prepare<{ jobId: number; pilotJson: string }>(`
    UPDATE jobs
    SET pilot_json = :pilotJson
    WHERE id = :jobId
  `);
  const updateEstimate = db.prepare<{ jobId: number; estimateJson: string }>(`
    UPDATE jobs
    SET estimate_json = :estimateJson
    WHERE id = :jobId
  `);

  return {
    limit: (jobId: number): MicroUsd | null => select.get({ jobId })?.maxMicroUsd ?? null,
    setLimit: (jobId: number, max: MicroUsd) => updateLimit.run({ jobId, max }),
    pilot(jobId: number): Pilot | null {
      const json = select.get({ jobId })?.pilotJson ?? null;
      return json === null ? null : readPilot(json);
    },
    setPilot: (jobId: number, pilot: Pilot) => updatePilot.run({ jobId, pilotJson: JSON.stringify(pilot) }),
    estimate(jobId: number): Estimate | null {
      const json = select.get({ jobId })?.estimateJson ?? null;
      return json === null ? null : readEstimate(json);
    },
    setEstimate: (jobId: number, estimate: Estimate) =>
      updateEstimate.run({ jobId, estimateJson: JSON.stringify(estimate) }),
  };
}
