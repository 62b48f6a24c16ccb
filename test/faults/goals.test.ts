import { describeRows } from './describe-rows.ts';
import { goalsRows } from './rows/goals.ts';

describeRows('goals in numbers', goalsRows);
