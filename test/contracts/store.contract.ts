import { describeAdopting } from '../store/contract/adopting.ts';
import { describeBuilding } from '../store/contract/building.ts';
import { describeCarving } from '../store/contract/carving.ts';
import type { Open } from '../store/contract/fixture.ts';
import { describeLife } from '../store/contract/life.ts';
import { describeQueueing } from '../store/contract/queueing.ts';
import { describeReading } from '../store/contract/reading.ts';
import { describeReconciling } from '../store/contract/reconciling.ts';
import { describeRetrieving } from '../store/contract/retrieving.ts';
import { describeRounds } from '../store/contract/rounds.ts';
import { describeSpending } from '../store/contract/spending.ts';
import { describeSpent } from '../store/contract/spent.ts';
import { describeSubmitting } from '../store/contract/submitting.ts';

/** What a store must do for a submission never to be paid twice and a row never to be lost; run on each adapter. */
export function describeJobStore(name: string, open: Open): void {
  describeBuilding(name, open);
  describeReading(name, open);
  describeSubmitting(name, open);
  describeReconciling(name, open);
  describeAdopting(name, open);
  describeRetrieving(name, open);
  describeQueueing(name, open);
  describeRounds(name, open);
  describeCarving(name, open);
  describeSpending(name, open);
  describeSpent(name, open);
  describeLife(name, open);
}
