/** Lengths of time as people type and read them: `90s`, `15m`, `1h30m`. */
const UNITS = [
  { name: 'd', ms: 86_400_000, word: 'd' },
  { name: 'h', ms: 3_600_000, word: 'h' },
  { name: 'm', ms: 60_000, word: 'min' },
  { name: 's', ms: 1000, word: 's' },
  { name: 'ms', ms: 1, word: 'ms' },
] as const;

const DURATION =
  /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/;

/** Milliseconds; null when the text is not a duration. A number without a unit is refused: nobody knows which. */
export function parseDuration(text: string): number | null {
  const match = text === '' ? null : DURATION.exec(text);
  if (match === null) return null;
  const total = UNITS.reduce((sum, unit, index) => sum + Number(match[index + 1] ?? 0) * unit.ms, 0);
  return Math.round(total);
}

/** The same in few characters, for tables: `1h30m`, `42s`. Under a second: `0s`. */
export function formatShortDuration(ms: number): string {
  if (ms < 1000) return '0s';
  return formatDuration(ms).replaceAll('min', 'm').replaceAll(' ', '');
}

/** The two largest units, rounded down: `1 h 30 min`, `42 s`. Under a second: `350 ms`. */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.floor(ms));
  if (whole < 1000) return `${whole} ms`;
  const parts: string[] = [];
  let rest = whole;
  for (const unit of UNITS) {
    if (unit.name === 'ms') break;
    const count = Math.floor(rest / unit.ms);
    rest -= count * unit.ms;
    if (count > 0) parts.push(`${count} ${unit.word}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}
