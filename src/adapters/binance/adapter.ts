import { ADAPTER_API_VERSION, type ExchangeAdapter } from '../adapter.ts'
import { controlRequests, isData, listRequest, parseControl } from './control.ts'
import { BINANCE_SPOT_LIMITS } from './limits.ts'
import { streamProbe } from './probes.ts'
import { parseRestError, parseSymbols, SYMBOLS_QUESTION } from './rest.ts'
import { connectionPlan, recordOf, resolveStreams } from './streams.ts'

/** Binance spot market data. */
export function createAdapter(name: string): ExchangeAdapter {
  return {
    apiVersion: ADAPTER_API_VERSION,
    exchange: name,
    profile: 'binance-spot',
    limits: BINANCE_SPOT_LIMITS,
    usedWeightHeader: 'x-mbx-used-weight-1m',
    symbolsQuestion: SYMBOLS_QUESTION,
    parseSymbols,
    resolve: resolveStreams,
    recordOf,
    connectionPlan,
    controlRequests,
    listRequest,
    isData,
    parseControl,
    probe: streamProbe,
    parseRestError
  }
}
