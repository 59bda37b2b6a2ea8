import { playShort } from './play.ts';
import { ports } from './ports.ts';

playShort(ports);
