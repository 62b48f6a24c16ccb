/** Freed by the kernel when its holder dies, so a lock left behind by a crash does not exist. */
export interface Lock {
  release(): void;
}

export interface WorkspaceLocks {
  /** One run at a time per job. @throws StoreError `job_locked`, naming the holder's process and command. */
  lockJob(jobId: string): Lock;
  /** One sealed phase at a time per workspace; waits, calling `onWait` once with who holds it. */
  lockSealing(signal: AbortSignal, onWait: (holder: string) => void): Promise<Lock>;
  /** Whether a run holds the job now, and who. */
  jobHolder(jobId: string): string | null;
}
