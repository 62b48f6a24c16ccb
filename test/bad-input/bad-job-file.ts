import { beforeEach, describe, expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { type Files, runJob, writeFiles } from './run-job.ts';

/** A job file that must be refused, and in which words. */
export interface BadJobFile {
  readonly claim: string;
  readonly job: string | Uint8Array;
  readonly files?: Files;
  readonly sets?: readonly string[];
  readonly code: string;
  readonly says: readonly string[];
}

export const head = 'model: claude-sonnet-5-5\nmax_tokens: 500\n';
export const source = 'source: {csv: data.csv}\n';
export const prompt = 'prompt: "{{ name }}"\n';
export const good = head + source + prompt;

/** Runs each row of a table as a test of its own. */
export function testBadJobFiles(kind: string, table: readonly BadJobFile[]): void {
  describe(`a job file with ${kind}`, () => {
    let root: string;
    beforeEach(() => {
      root = makeTempDir();
    });

    test.each(table)('$claim', async ({ job, files = {}, sets, code, says }) => {
      writeFiles(root, { 'bad.job.yaml': job, 'data.csv': 'name\nAda\n', ...files });
      const outcome = await runJob(root, 'bad.job.yaml', sets);
      for (const part of says) expect(outcome.said).toContain(part);
      expect(outcome.code).toBe(code);
      expect(outcome.requests).toEqual([]);
    });
  });
}
