import type { Db } from './open.ts';

export function prepareStages(db: Db) {
  const insertStage = db.prepare<{ jobId: number; position: number; name: string }>(`
    INSERT INTO stages (job_id, position, name)
    VALUES (:jobId, :position, :name)
  `);
  const selectIds = db
    .prepare<{ jobId: number }, number>(`
      SELECT id
      FROM stages
      WHERE job_id = :jobId
      ORDER BY position
    `)
    .pluck();
  const selectJobId = db
    .prepare<{ id: number }, number>(`
      SELECT job_id
      FROM stages
      WHERE id = :id
    `)
    .pluck();
  const deleteOfJob = db.prepare<{ jobId: number }>(`
    DELETE FROM stages
    WHERE job_id = :jobId
  `);

  return {
    /** In order; returns the id of the first. */
    insert(jobId: number, names: readonly string[]): number {
      for (const [index, name] of names.entries()) insertStage.run({ jobId, position: index + 1, name });
      const [first] = selectIds.all({ jobId });
      if (first === undefined) throw new RangeError('a job has at least one stage');
      return first;
    },
    ids: (jobId: number): readonly number[] => selectIds.all({ jobId }),
    jobOf(stageId: number): number {
      const jobId = selectJobId.get({ id: stageId });
      if (jobId === undefined) throw new RangeError(`no stage ${stageId}`);
      return jobId;
    },
    deleteOfJob: (jobId: number) => deleteOfJob.run({ jobId }),
  };
}
