import { hash } from 'node:crypto';
import type { JobSpec } from './job.ts';

/**
 * What makes two requests the same: their params byte for byte, and the headers that change what they mean. The first 16
 * bytes of a SHA-256, so that two requests never meet by chance.
 */
export function contentHash(spec: Pick<JobSpec, 'apiVersion' | 'betas'>, paramsJson: string): Uint8Array {
  const head = JSON.stringify([spec.apiVersion, ...spec.betas]);
  return hash('sha256', `${head}\n${paramsJson}`, 'buffer').subarray(0, 16);
}
