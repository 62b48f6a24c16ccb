import type { StageFacts } from '../core/job.ts';
import type { Db } from './open.ts';

export type Stages = ReturnType<typeof prepareStages>;

export function prepareStages(db: Db) {
  const insertStage = db.prepare<{
    jobId: number;
    position: number;
    name: string;
    state: StageFacts['state'];
  }>(`
    INSERT INTO stages (job_id, position, name, state)
    VALUES (:jobId, :position, :name, :state)
  `);
  const selectFacts = db.prepare<{ jobId: number }, StageFacts>(`
    SELECT id, name, state, held
    FROM stages
    WHERE job_id = :jobId
    ORDER BY position
  `);
  const selectJobId = db
    .prepare<{ id: number }, number>(`
      SELECT job_id
      FROM stages
      WHERE id = :id
    `)
    .pluck();
  const countHeld = db.prepare<{ id: number }>(`
    UPDATE stages
    SET state = 'open', held = (SELECT count(*) FROM requests WHERE stage_id = :id AND status = 'held')
    WHERE id = :id
  `);
  const deleteOfJob = db.prepare<{ jobId: number }>(`
    DELETE FROM stages
    WHERE job_id = :jobId
  `);

  return {
    /** In order; one that needs another is `waiting`. */
    insert(jobId: number, names: readonly string[], needs: Readonly<Record<string, unknown>>): void {
      for (const [index, name] of names.entries()) {
        const state = Object.hasOwn(needs, name) ? 'waiting' : 'open';
        insertStage.run({ jobId, position: index + 1, name, state });
      }
    },
    /** In order. */
    facts: (jobId: number): readonly StageFacts[] => selectFacts.all({ jobId }),
    ids: (jobId: number): readonly number[] => selectFacts.all({ jobId }).map(({ id }) => id),
    jobOf(stageId: number): number {
      const jobId = selectJobId.get({ id: stageId });
      if (jobId === undefined) throw new RangeError(`no stage ${stageId}`);
      return jobId;
    },
    /** Its requests are made: what has none is held. */
    open: (id: number) => countHeld.run({ id }),
    deleteOfJob: (jobId: number) => deleteOfJob.run({ jobId }),
  };
}
