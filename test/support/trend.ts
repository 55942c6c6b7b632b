/** Does a noisy series grow? Least squares with a 95 % interval that allows for correlated samples. */

export interface Trend {
  /** Per unit of x. */
  readonly slope: number
  readonly low: number
  readonly high: number
}

const BLOCKS = 10
/** Student's t, 97.5 %, by degrees of freedom 1…8. */
const T_975 = [12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306]

/**
 * A heap saws: neighbouring samples are anything but independent. The series is cut into ten blocks whose
 * means nearly are; the line goes through them.
 */
export function trend(points: readonly (readonly [number, number])[]): Trend {
  const blocks = blockMeans(points)
  const count = blocks.length
  if (count < 3) return { slope: Number.NaN, low: Number.NaN, high: Number.NaN }
  const meanX = blocks.reduce((sum, [x]) => sum + x, 0) / count
  const meanY = blocks.reduce((sum, [, y]) => sum + y, 0) / count
  const spread = blocks.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  const slope = blocks.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread
  const residual = blocks.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  const error = Math.sqrt(residual / (count - 2) / spread) * (T_975[count - 3] ?? 2.306)
  return { slope, low: slope - error, high: slope + error }
}

function blockMeans(points: readonly (readonly [number, number])[]): [number, number][] {
  const size = Math.max(1, Math.ceil(points.length / BLOCKS))
  const means: [number, number][] = []
  for (let start = 0; start < points.length; start += size) {
    const block = points.slice(start, start + size)
    const mean = (index: 0 | 1): number =>
      block.reduce((sum, point) => sum + point[index], 0) / block.length
    means.push([mean(0), mean(1)])
  }
  return means
}
