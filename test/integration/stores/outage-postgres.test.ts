import { testOutages } from './outage.ts';
import { POSTGRES } from './scene.ts';

testOutages(POSTGRES);
