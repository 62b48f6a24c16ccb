import type { Estimate, Range } from '../core/estimate.ts';
import type { JobMode } from '../core/job.ts';
import { formatUsd, type MicroUsd } from '../core/money.ts';
import { formatCount, formatMany } from './output.ts';

/** A price that is not known yet: `$0.42 – $1.90, likely $0.80`. */
export function formatPrice(price: Range<MicroUsd> | null): string {
  if (price === null) return 'at a price that is not known';
  const [low, likely, high] = [price.low, price.likely, price.high].map(formatUsd);
  return low === high ? `${high}` : `${low} – ${high}, likely ${likely}`;
}

/** What a job will cost, in the line that a submission begins with: `12 requests, about 900 tokens in, 6,000 out: $0.42 – …`. */
export function formatShortEstimate({ total, unpriced }: Estimate, mode: JobMode): string {
  const { requests, inputTokens, outputTokens, batch, realTime } = total;
  const tokens = `about ${formatCount(inputTokens.likely)} tokens in, ${formatCount(outputTokens.likely)} out`;
  const price = formatPrice(mode === 'batch' ? batch : realTime);
  const why = unpriced.length === 0 ? '' : ` (no price for ${unpriced.join(', ')})`;
  return `${formatMany(requests, 'request')}, ${tokens}: ${price}${why}`;
}
