import { describeRows } from './describe-rows.ts';
import { securityRows } from './rows/security.ts';

describeRows('security', securityRows);
