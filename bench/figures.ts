// The figures that the ruler prints: their names, titles and units, and what one measurement of one server yields.

interface FigureText {
  readonly title: string;
  readonly digits: number;
  /** Whether its ratio between servers says something. */
  readonly compared: boolean;
}

/** Every figure, in the order of the columns. */
export const FIGURES = {
  offered: { title: 'offered/s', digits: 0, compared: false },
  received: { title: 'received/s', digits: 0, compared: false },
  loss: { title: 'loss %', digits: 3, compared: false },
  lossless: { title: 'lossless/s', digits: 0, compared: true },
  p50: { title: 'p50 µs', digits: 0, compared: true },
  p99: { title: 'p99 µs', digits: 0, compared: true },
  cpu: { title: 'CPU µs/packet', digits: 2, compared: true },
  setUps: { title: 'set-ups/s', digits: 0, compared: true },
  setUpCpu: { title: 'CPU µs/set-up', digits: 1, compared: true },
  idleMemory: { title: 'idle PSS MB', digits: 1, compared: true },
  memoryPerAllocation: { title: 'KiB/allocation', digits: 2, compared: true },
  rssPerAllocation: { title: 'RSS KiB/allocation', digits: 2, compared: true },
  generatorCpu: { title: 'gen. CPU', digits: 2, compared: false },
  late: { title: 'gen. late p99 µs', digits: 0, compared: false },
} as const satisfies Readonly<Record<string, FigureText>>;

export type FigureName = keyof typeof FIGURES;

/** All names, in the order of the columns. */
export const FIGURE_NAMES = Object.keys(FIGURES) as readonly FigureName[];

/** Values by name; null where the server's process is unknown, absent where the measurement does not yield it. */
export type Figures = Readonly<Partial<Record<FigureName, number | null>>>;

/** One measurement of one server. */
export interface Sample {
  readonly figures: Figures;
  /** What makes it doubtful, each as a sentence without its subject. */
  readonly warnings: readonly string[];
}

/** All samples of one server in one cell, in the order of the rounds. */
export interface Series {
  readonly name: string;
  readonly samples: readonly Sample[];
}
