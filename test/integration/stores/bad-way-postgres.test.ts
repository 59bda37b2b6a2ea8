import { testBadWays } from './bad-way.ts';
import { POSTGRES } from './scene.ts';

testBadWays(POSTGRES);
