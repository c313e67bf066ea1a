package seal

// What Python's hmac module makes of the same.
const (
	goldenReceiver = "81bc4e0762c8497f9bbc1149eec60a1d8c66c36ece8ab09d150bbaec20f2105e"
	goldenKey      = "24987cc4791faf9605d8482f413480551e450cb73413ee05b30601fbd670144e"
)
