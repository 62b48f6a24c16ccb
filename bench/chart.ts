import { writeFileSync } from 'node:fs';
import { init } from 'echarts';

export interface GrowthPoint {
  readonly requests: number;
  readonly command: string;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

const WIDTH = 1_100;
const HEIGHT = 480;

/** Two charts side by side as one SVG: time and memory of each command by the number of requests, both axes logarithmic. */
export function drawGrowth(points: readonly GrowthPoint[], path: string): void {
  const commands = [...new Set(points.map(({ command }) => command))];
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  const series = (figure: (point: GrowthPoint) => number, index: number): object[] =>
    commands.map((name) => ({
      name,
      type: 'line',
      xAxisIndex: index,
      yAxisIndex: index,
      data: points.filter(({ command }) => command === name).map((point) => [point.requests, figure(point)]),
    }));
  const xAxis = (gridIndex: number): object => ({
    type: 'log',
    gridIndex,
    name: 'requests',
    nameLocation: 'middle',
    nameGap: 28,
  });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    legend: { bottom: 0 },
    title: [
      { text: 'Time of the whole process, in seconds', left: '4%', textStyle: { fontSize: 14 } },
      { text: 'Most memory held, in MB', left: '54%', textStyle: { fontSize: 14 } },
    ],
    grid: [
      { left: '5%', width: '42%', top: 50, bottom: 90 },
      { left: '55%', width: '42%', top: 50, bottom: 90 },
    ],
    xAxis: [xAxis(0), xAxis(1)],
    yAxis: [
      { type: 'log', gridIndex: 0 },
      { type: 'value', gridIndex: 1, min: 0 },
    ],
    series: [...series((point) => point.wallMs / 1_000, 0), ...series((point) => point.peakMb, 1)],
  });
  writeFileSync(path, chart.renderToSVGString());
  chart.dispose();
}
