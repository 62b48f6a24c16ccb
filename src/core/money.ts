/**
 * Money is whole micro-dollars: 1 USD is 1,000,000. Prices are micro-dollars for a million tokens, so that a price of
 * 0.005 USD per million is the integer 5,000, and a product of tokens and price is exact until it is rounded once.
 */
export type MicroUsd = number;

/** Micro-dollars for a million tokens. */
export type Rate = number;

export const MICRO = 1_000_000;

/** Tokens at a rate, and what is to be taken of that: percents that multiply each other (50 for a batch, 110 for a region). */
export interface PricedTokens {
  readonly tokens: number;
  readonly rate: Rate;
}

/**
 * The exact sum, rounded once: to the nearest micro-dollar, half up, or always up or down for the ends of a range. BigInt,
 * because a million tokens at 50 USD and two percents are more than a double holds.
 */
export function priceTokens(
  parts: readonly PricedTokens[],
  percents: readonly number[],
  rounding: 'nearest' | 'up' | 'down' = 'nearest',
): MicroUsd {
  let sum = 0n;
  for (const { tokens, rate } of parts) sum += BigInt(Math.round(tokens)) * BigInt(rate);
  let divisor = BigInt(MICRO);
  for (const percent of percents) {
    sum *= BigInt(percent);
    divisor *= 100n;
  }
  const more = rounding === 'nearest' ? divisor / 2n : rounding === 'up' ? divisor - 1n : 0n;
  return Number(floorDivide(sum + more, divisor));
}

/** BigInt division cuts towards zero, which would round a negative sum, of what is saved, the wrong way. */
function floorDivide(sum: bigint, divisor: bigint): bigint {
  const quotient = sum / divisor;
  return sum % divisor < 0n ? quotient - 1n : quotient;
}

/** USD as a person writes it, in whole micro-dollars; null when it is negative, not a number, or finer than that. */
export function microUsdOf(usd: number): MicroUsd | null {
  const micro = Math.round(usd * MICRO);
  if (!Number.isSafeInteger(micro) || micro < 0) return null;
  // 0.0625 * 1e6 is exact, 0.07 * 1e6 is not quite: what is finer than a micro-dollar is off by far more.
  return Math.abs(usd * MICRO - micro) > 1e-3 ? null : micro;
}

/** What is shown of an amount below a dollar: hundredths of a cent, so that a test run does not look free. */
const FINE = 100;
const CENT = 10_000;

/** `$1,234.50`, `$0.0123`; `$0` is nothing at all. Without Intl, whose loading `list` would wait for. */
export function formatUsd(micro: MicroUsd): string {
  if (micro === 0) return '$0';
  const sign = micro < 0 ? '-' : '';
  const amount = Math.abs(micro);
  if (amount < FINE) return `${sign}<$0.0001`;
  const step = amount < MICRO - FINE / 2 ? FINE : CENT;
  const steps = Math.round(amount / step);
  const whole = String(Math.floor((steps * step) / MICRO)).replace(/\B(?=(\d{3})+$)/g, ',');
  const part = String(steps % (MICRO / step)).padStart(step === FINE ? 4 : 2, '0');
  return `${sign}$${whole}.${part}`;
}

/** As `formatUsd`; a price that is not known says so. */
export function formatUsdOrUnknown(micro: MicroUsd | null): string {
  return micro === null ? 'unknown' : formatUsd(micro);
}

/** USD with six places, as CSV and spreadsheets take it: `12.345678`. */
export function decimalUsd(micro: MicroUsd): string {
  const sign = micro < 0 ? '-' : '';
  const whole = Math.floor(Math.abs(micro) / MICRO);
  const rest = String(Math.abs(micro) % MICRO).padStart(6, '0');
  return `${sign}${whole}.${rest}`;
}

/** The sum; null as soon as one of them is not known. */
export function sumOrUnknown(amounts: Iterable<MicroUsd | null>): MicroUsd | null {
  let sum = 0;
  for (const amount of amounts) {
    if (amount === null) return null;
    sum += amount;
  }
  return sum;
}
