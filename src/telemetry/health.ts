/** What each component says of itself, and what follows for the probes. Main thread. */

export interface ComponentHealth {
  /** The process should be restarted: nothing inside can mend this. */
  readonly live: boolean
  /** Intake works and records are being accepted, as far as this component knows. */
  readonly ready: boolean
  /** One sentence; also when all is well but something should be known. */
  readonly reason: string | null
}

export interface Verdict {
  readonly ok: boolean
  readonly reasons: readonly string[]
}

export interface HealthSummary {
  readonly live: Verdict
  readonly ready: Verdict
  readonly components: Readonly<Record<string, Verdict>>
}

/** Components are asked at each probe; one that throws is not ready, with the error as the reason. */
export class Health {
  private readonly components = new Map<string, () => ComponentHealth>()

  add(name: string, read: () => ComponentHealth): void {
    this.components.set(name, read)
  }

  livez(): Verdict {
    return this.summary().live
  }

  readyz(): Verdict {
    return this.summary().ready
  }

  summary(): HealthSummary {
    const read = [...this.components].map(([name, ask]) => ({ name, ...safely(ask) }))
    const components: Record<string, Verdict> = {}
    for (const { name, live, ready, reason } of read) {
      components[name] = { ok: live && ready, reasons: reason === null ? [] : [reason] }
    }
    const verdict = (kind: 'live' | 'ready'): Verdict => ({
      ok: read.every((component) => component[kind]),
      reasons: read.flatMap(({ name, reason, live }) => {
        const said = reason !== null && (kind === 'ready' || !live)
        return said ? [`${name}: ${reason}`] : []
      })
    })
    return { live: verdict('live'), ready: verdict('ready'), components }
  }
}

function safely(ask: () => ComponentHealth): ComponentHealth {
  try {
    return ask()
  } catch (error) {
    return {
      live: true,
      ready: false,
      reason: error instanceof Error ? error.message : String(error)
    }
  }
}
