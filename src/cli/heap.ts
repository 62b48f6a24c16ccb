import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import type { ReportProgress } from '../core/ports/progress.ts';

/** Below it V8 may double the young generation. With twice as much a build takes a tenth longer: it leaves the caches. */
const YOUNG_BYTES = 6_000_000;
const LOOK_MS = 50;
/** By so much the old generation may grow until all is collected: in a build, and else, as bin/batchctl.js sets it. */
const [BUILD_PERCENT, OTHER_PERCENT] = [20, 50];

/** The young generation is held by the factor at which it grows, which V8 reads at each collection (Node 24.21, 2026-11). */
function holdYoung(): void {
  const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
  const isSmall = young !== undefined && young.space_size < YOUNG_BYTES;
  setFlagsFromString(`--semi-space-growth-factor=${isSmall ? 2 : 1}`);
}

/**
 * Holds the young generation small at each report of progress, which comes every few hundred rows. Left alone it takes 32 MB
 * while rows are read, and a retrieve of 100,000 a tenth more CPU.
 */
export function holdingYoung(report: ReportProgress): ReportProgress {
  return (progress) => {
    holdYoung();
    report(progress);
  };
}

/**
 * Holds the heap small while requests are built, until the returned function is called. Under --optimize-for-size
 * (bin/batchctl.js) V8 collects all of the heap each time it has grown by some MB, and a build makes so much text that this is a
 * quarter of its time. Here the old generation may grow by a fifth, whatever its size, and the young one is held more often than
 * it reports. Other commands keep the flag: a retrieve of 100,000 rows peaks at 180 MB without it.
 */
export function holdHeapByGrowth(): () => void {
  setFlagsFromString('--no-optimize-for-size');
  setFlagsFromString(`--heap-growing-percent=${BUILD_PERCENT}`);
  holdYoung();
  const looking = setInterval(holdYoung, LOOK_MS).unref();
  return () => {
    clearInterval(looking);
    setFlagsFromString(`--heap-growing-percent=${OTHER_PERCENT}`);
    setFlagsFromString('--optimize-for-size');
  };
}
