/** Bounds connections in all and by address. */
import type { HttpResponse, TemplatedApp } from './uws.ts'

export class ConnectionLimit {
  count = 0
  refused = 0
  private readonly connectionsMax: number
  private readonly perAddressMax: number
  private readonly byAddress = new Map<string, number>()

  constructor(connectionsMax: number, perAddressMax: number) {
    this.connectionsMax = connectionsMax
    this.perAddressMax = perAddressMax
  }

  attach(app: TemplatedApp): void {
    app.filter((res, change) => this.onChange(res, Number(change)))
  }

  /** A WebSocket has closed: uWebSockets.js reports its opening as any other, but not its end. */
  released(remoteAddress: Uint8Array): void {
    this.change(keyOf(remoteAddress), -1)
  }

  /** uWebSockets.js: 1 = a connection opened, −1 = one closed. */
  private onChange(res: HttpResponse, change: number): void {
    const ofAddress = this.change(keyOf(new Uint8Array(res.getRemoteAddress())), change)
    if (change < 0) return
    if (this.count > this.connectionsMax || ofAddress > this.perAddressMax) {
      this.refused += 1
      res.close()
    }
  }

  private change(address: string, change: number): number {
    const ofAddress = (this.byAddress.get(address) ?? 0) + change
    this.count += change
    if (ofAddress > 0) this.byAddress.set(address, ofAddress)
    else this.byAddress.delete(address)
    return ofAddress
  }
}

function keyOf(address: Uint8Array): string {
  return Buffer.from(address).toString('hex')
}
