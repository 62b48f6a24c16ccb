/** What the store knows of a good row without a price. */
export const ROW_FACTS = {
  customId: 'a',
  stage: 'main',
  group: null,
  status: 'succeeded',
  failure: null,
  attempt: 1,
  batchId: 'msgbatch_1',
  reused: false,
  why: null,
  cost: null,
  output: null,
} as const;
