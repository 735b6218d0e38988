// The file that call-me-cloud-mcp 1.3.1 imports and was published without, as its callers use it.

export class CircuitBreaker {
    // Always closed: what a broken circuit does is not seen by who uses the tools of a server that answers.
    execute(action) {
        return action();
    }
}

// Tries again at most `times` times, `pause` ms apart, unless the error says that it is of no use.
export async function withRetry(action, times, pause) {
    for (let left = times; ; left--) {
        try {
            return await action();
        } catch (error) {
            if (!left || error.retryable === false) throw error;
            await new Promise((done) => setTimeout(done, pause));
        }
    }
}
