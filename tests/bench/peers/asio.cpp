// Asio's echo and TCP proxy on two threads: asio.exe echo|proxy PORT [TARGET_PORT]
//
// The two directions of a proxy's session share its sockets, so its handlers run one after the other, in a strand. An echo
// has one chain of handlers and needs none.
#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include <asio.hpp>

using asio::ip::tcp;
using error = asio::error_code;

constexpr int threads = 2;
constexpr std::size_t buffer_bytes = 16 * 1024;

static void send_at_once(tcp::socket &socket)
{
    // It fails if the peer has reset the connection, and so will the receive.
    error ignored;
    socket.set_option(tcp::no_delay(true), ignored);
}

// Moves what `from` receives to `to`, and then the end. Alive as long as one of its operations is pending; the last pipe
// of a session closes its sockets.
template <class Session> class pipe {
public:
    pipe(Session &session, tcp::socket &from, tcp::socket &to) : session_(session), from_(from), to_(to)
    {
    }

    void receive()
    {
        from_.async_read_some(asio::buffer(buffer_), [this, keep = session_.shared_from_this()](error e, std::size_t n) {
            if (e == asio::error::eof) {
                to_.shutdown(tcp::socket::shutdown_send, e);
            } else if (e) {
                session_.fail();
            } else {
                send(n);
            }
        });
    }

private:
    void send(std::size_t bytes)
    {
        auto all = asio::buffer(buffer_, bytes);
        asio::async_write(to_, all, [this, keep = session_.shared_from_this()](error e, std::size_t) {
            if (e) {
                session_.fail();
            } else {
                receive();
            }
        });
    }

    Session &session_;
    tcp::socket &from_, &to_;
    std::array<char, buffer_bytes> buffer_;
};

class echo_session : public std::enable_shared_from_this<echo_session> {
public:
    static constexpr int pipes = 1;

    explicit echo_session(tcp::socket client) : client_(std::move(client)), pipe_(*this, client_, client_)
    {
    }

    void start(const tcp::endpoint &)
    {
        send_at_once(client_);
        pipe_.receive();
    }

    void fail()
    {
        error ignored;
        client_.close(ignored);
    }

private:
    tcp::socket client_;
    pipe<echo_session> pipe_;
};

class proxy_session : public std::enable_shared_from_this<proxy_session> {
public:
    static constexpr int pipes = 2;

    explicit proxy_session(tcp::socket client)
        : client_(std::move(client)), server_(client_.get_executor()), up_(*this, client_, server_),
          down_(*this, server_, client_)
    {
    }

    void start(const tcp::endpoint &target)
    {
        send_at_once(client_);
        server_.async_connect(target, [this, keep = shared_from_this()](error e) {
            if (!e) {
                send_at_once(server_);
                up_.receive();
                down_.receive();
            }
        });
    }

    void fail()
    {
        error ignored;
        client_.close(ignored);
        server_.close(ignored);
    }

private:
    tcp::socket client_, server_;
    pipe<proxy_session> up_, down_;
};

template <class Session> void accept(tcp::acceptor &acceptor, const tcp::endpoint &target)
{
    asio::any_io_executor executor = acceptor.get_executor();
    if (Session::pipes > 1) {
        executor = asio::make_strand(executor);
    }
    acceptor.async_accept(executor, [&](error e, tcp::socket client) {
        if (!e) {
            std::make_shared<Session>(std::move(client))->start(target);
        }
        accept<Session>(acceptor, target);
    });
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::cerr << "usage: asio.exe echo|proxy PORT [TARGET_PORT]\n";
        return 2;
    }
    auto loopback = asio::ip::address_v4::loopback();
    auto port = [](const char *text) { return static_cast<unsigned short>(std::atoi(text)); };
    asio::io_context context(threads);
    tcp::acceptor acceptor(context, {loopback, port(argv[2])}, false);
    tcp::endpoint target(loopback, argc > 3 ? port(argv[3]) : 0);
    if (argv[1] == std::string("proxy")) {
        accept<proxy_session>(acceptor, target);
    } else {
        accept<echo_session>(acceptor, target);
    }
    std::thread second([&] { context.run(); });
    context.run();
    second.join();
}
