import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Below it V8 may double the young generation. With twice as much a build takes a tenth longer: it leaves the caches. */
const YOUNG_BYTES = 6_000_000;
const LOOK_MS = 50;

/**
 * Holds the heap small while requests are built, until the returned function is called. Under --optimize-for-size
 * (bin/batchctl.js) V8 collects all of the heap each time it has grown by 3 MB, and a build makes so much text that this is a
 * quarter of its time. Here the young generation is held by the factor at which it grows, which is read at each collection as
 * that flag is, and the old one may grow by a fifth (Node 24.21, 2026-11). Other commands keep the flag: a retrieve of 100,000
 * rows peaks at 180 MB without it.
 */
export function holdHeapByGrowth(): () => void {
  const setFactor = (): void => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    const isSmall = young !== undefined && young.space_size < YOUNG_BYTES;
    setFlagsFromString(`--semi-space-growth-factor=${isSmall ? 2 : 1}`);
  };
  setFlagsFromString('--no-optimize-for-size');
  setFlagsFromString('--heap-growing-percent=20');
  setFactor();
  const looking = setInterval(setFactor, LOOK_MS).unref();
  return () => {
    clearInterval(looking);
    setFlagsFromString('--semi-space-growth-factor=2');
    setFlagsFromString('--heap-growing-percent=50');
    setFlagsFromString('--optimize-for-size');
  };
}
