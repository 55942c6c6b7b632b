/**
 * Bounds the connections of the server. Only in all: when a connection ends, uWebSockets.js no longer
 * knows whose it was, so none can be counted by address.
 */
import type { HttpResponse, TemplatedApp } from './uws.ts'

export class ConnectionLimit {
  count = 0
  refused = 0
  private readonly connectionsMax: number

  constructor(connectionsMax: number) {
    this.connectionsMax = connectionsMax
  }

  attach(app: TemplatedApp): void {
    app.filter((res, change) => this.onChange(res, Number(change)))
  }

  /** A WebSocket has closed: uWebSockets.js reports its opening as any other, but not its end. */
  released(): void {
    this.count -= 1
  }

  /** uWebSockets.js: 1 = a connection opened, −1 = one closed, also one that is refused here. */
  private onChange(res: HttpResponse, change: number): void {
    this.count += change
    if (change > 0 && this.count > this.connectionsMax) {
      this.refused += 1
      res.close()
    }
  }
}
